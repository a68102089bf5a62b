#!/usr/bin/env bash
# Builds a corpus of human speech from Debian packages, which are downloaded and unpacked, never installed. README.md describes it.
set -euo pipefail
recipe_version=1 # raise it with every change that alters the output: corpora of another version are built anew

usage() {
  cat <<'TEXT'
usage: data/corpus/build.sh --set small|demo|whole --out DIR [--cache DIR]
  --set    small: for tests (29 MB of packages)   demo: 245 MB   whole: 877 MB
  --out    the corpus; replaced if it is an older corpus, left alone if it is up to date
  --cache  packages are kept in DIR/debian (default: $SPCNET_CACHE, else ~/.cache/spcnet)
TEXT
}

die() {
  echo "build.sh: $*" >&2
  exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=/usr/bin/python3 # Debian's own, which finds python3-numpy
[ -x "$python" ] || python=python3
set_name='' out='' cache=${SPCNET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/spcnet}
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --set | --out | --cache) [ $# -ge 2 ] || die "$1 needs a value" ;;
    *) usage >&2; die "unknown argument: $1" ;;
  esac
  case $1 in
    --set) set_name=$2 ;;
    --out) out=$2 ;;
    --cache) cache=$2 ;;
  esac
  shift 2
done
[ -n "$out" ] || { usage >&2; die "--out is missing"; }

prompts=(asterisk-prompt-it-menardi-wav asterisk-prompt-fr-armelle asterisk-prompt-es-co)
core_sounds=(asterisk-core-sounds-{en,es,fr,it,ru}-g722)
demo=("${prompts[@]}" "${core_sounds[@]}" gcin-voice flight-of-the-amazon-queen drascula drascula-spanish klettres-data ktuberling-data)
limits=()
case $set_name in
  small)
    packages=("${prompts[@]}" gcin-voice)
    limits=(--max-utterances 80) # of each speaker, to be quick
    ;;
  demo) packages=("${demo[@]}") ;;
  whole)
    packages=("${demo[@]}" tuxpaint-stamps-default fillets-ng-data fillets-ng-data-cs fillets-ng-data-nl festvox-ru hedgewars-data kajongg)
    ;;
  *) usage >&2; die "--set must be small, demo or whole, not '$set_name'" ;;
esac
out=$(realpath -m -- "$out")
debs=$(realpath -m -- "$cache")/debian

up_to_date() { [ -f "$out/recipe.txt" ] && [ "$(head -n 1 "$out/recipe.txt")" = "set $set_name, recipe $recipe_version" ]; }

# A finished corpus is not built again; if it was moved since, its wav.scp files are brought up to date.
stop_if_up_to_date() {
  up_to_date || return 0
  "$python" "$here/corpus.py" --relocate "$out"
  echo "build.sh: $out is up to date"
  exit 0
}

check_tools() {
  local tool format formats missing=()
  for tool in sox ffmpeg dpkg apt-get flock "$python"; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  "$python" -c 'import numpy' 2>/dev/null || missing+=(python3-numpy)
  [ ${#missing[@]} -eq 0 ] || die "missing: ${missing[*]} (Debian: apt-get install sox libsox-fmt-all ffmpeg python3-numpy)"
  formats=" $(sox --help | grep '^AUDIO FILE FORMATS') "
  for format in gsm mp3 vorbis wav; do
    [[ $formats == *" $format "* ]] || die "sox cannot read $format (Debian: apt-get install libsox-fmt-all)"
  done
}

# find_deb PACKAGE: prints the newest cached .deb; fails if there is none.
find_deb() {
  local found
  found=$(find -L "$debs" -maxdepth 1 -name "$1_*.deb" | sort -V | tail -n 1)
  [ -n "$found" ] && echo "$found"
}

# Downloads what the cache lacks. A file gets its place in the cache only when it is whole (apt-get has checked its hash).
download() {
  local package scratch=$debs/partial lost=()
  for package in "${packages[@]}"; do
    ! find_deb "$package" >/dev/null || continue
    rm -rf "$scratch"
    mkdir -p "$scratch"
    echo "build.sh: downloading $package"
    if (cd "$scratch" && apt-get download "$package" >log 2>&1); then
      mv "$scratch/$package"_*.deb "$debs/"
    else
      grep '^[EW]:' "$scratch/log" >&2 || true
      lost+=("$package")
    fi
  done
  rm -rf "$scratch"
  [ ${#lost[@]} -eq 0 ] || die "cannot fetch: ${lost[*]} (needs a network, Debian's main component and a recent apt-get update)"
}

stop_if_up_to_date
if [ -e "$out" ] && [ ! -f "$out/recipe.txt" ] && [ -n "$(ls -A "$out")" ]; then
  die "$out exists and is not a corpus: give another --out, or remove it"
fi
check_tools
mkdir -p "$debs" "$(dirname "$out")"
exec 9<"$debs" # one build at a time for each cache; the lock ends with the last process that holds it
flock -n 9 || { echo "build.sh: waiting for another build that uses $debs"; flock 9; }
stop_if_up_to_date
download

work=$out.partial # everything unfinished; a killed run's leftovers go here too
trap 'rm -rf "$work"' EXIT
rm -rf "$work"
mkdir -p "$work/packages" "$work/corpus"
stamp=$work/corpus/recipe.txt
echo "set $set_name, recipe $recipe_version" >"$stamp"
for package in "${packages[@]}"; do
  deb=$(find_deb "$package")
  basename "$deb" >>"$stamp"
  dpkg -x "$deb" "$work/packages/$package" || die "cannot unpack $deb: remove it and try again"
done
"$python" "$here/corpus.py" --packages "$work/packages" --out "$work/corpus" --final "$out" "${limits[@]}"
[ ! -e "$out" ] || mv -T "$out" "$work/old"
mv -T "$work/corpus" "$out"
