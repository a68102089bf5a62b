#!/usr/bin/env bash
# The whole way on real speech: corpus, shards, the untrained network, training on two ranks, embeddings, a table of EERs.
#   demo.sh            245 MB of downloads, about seven minutes of training
#   demo.sh --whole    877 MB of downloads, the same recipe with 350 and with 700 steps of DINO
# Every step is kept and found again: an interrupted demo goes on where it was.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

set_name=demo
epochs=(2)
if [ "${1:-}" = --whole ]; then
  set_name=whole
  epochs=(1.4 2.8) # 350 and 700 steps
fi
bin=build/release/bin
corpus=$SPCNET_CACHE/corpus-$set_name
shards=$SPCNET_CACHE/shards-$set_name
work=runs/$set_name
lists=(all group xsess)

say() { printf '\n== %s\n' "$*"; }

ranks() {
  local as_root=()
  [ "$(id -u)" -ne 0 ] || as_root=(--allow-run-as-root)
  mpirun "${as_root[@]}" -n 2 --oversubscribe "$@"
}

# score NAME EMBEDDINGS [MEAN]: one row of the table
score() {
  local name=$1 embeddings=$2 list mean=()
  [ $# -lt 3 ] || mean=(--mean "$3")
  printf '%-44s' "$name"
  for list in "${lists[@]}"; do
    "$bin/spcnet" score --embeddings "$embeddings" --trials "$corpus/trials_$list.txt" "${mean[@]}" --json |
      sed -E 's/.*"eer": ([0-9.]+).*/\1/' | xargs printf '%14.2f'
  done
  printf '\n'
}

# extract SOURCE... : train and evaluation embeddings into the folder named last
extract() {
  local out=${*: -1} part
  for part in eval train; do
    ranks "$bin/spcnet" extract "${@:1:$#-1}" --shards "$shards/speakers" --utts "$corpus/$part.utts" --out "$out/$part.h5"
  done
}

say "speech from many speakers: $corpus"
data/corpus/build.sh --set "$set_name" --out "$corpus"

say "log-mel features in shards: $shards"
"$bin/spcnet-data" fbank --wav-scp "$corpus/wav.scp" --utt2spk "$corpus/utt2spk" --out "$shards/speakers"
"$bin/spcnet-data" fbank --wav-scp "$corpus/unlabelled/wav.scp" --out "$shards/unlabelled"
mkdir -p "$work"
# No label is used: training sees the speakers of the train split and the unlabelled speech, never those of the trials.
cat "$corpus/train.utts" <(cut -d' ' -f1 "$corpus/unlabelled/wav.scp") >"$work/train.utts"

say "the untrained network, and a baseline without a network"
mkdir -p "$work/untrained" "$work/mfcc"
extract --init --config configs/demo.conf "$work/untrained"
"$bin/spcnet-data" mfcc-stats --shards "$shards/speakers" --out "$work/mfcc/eval.h5"

for count in "${epochs[@]}"; do
  run=$work/dino-$count-epochs
  say "training on two ranks, by DINO, then on clusters: $run"
  ranks "$bin/spcnet" train --config configs/demo.conf --shards "$shards/speakers" --shards "$shards/unlabelled" \
    --utts "$work/train.utts" --run "$run" --train.epochs "$count" \
    --trials "all=$corpus/trials_all.txt" --trials "group=$corpus/trials_group.txt" --trials "xsess=$corpus/trials_xsess.txt"
  for stage in stage-1 round-1; do extract --run "$run/$stage" "$run/$stage"; done
done

say "clusters against the true speakers, which training does not know"
for count in "${epochs[@]}"; do
  "$bin/spcnet" agreement --labels "$work/dino-$count-epochs/round-1/labels" --reference "$corpus/utt2spk"
done

say "equal error rates in percent, speakers that training never saw"
{
  printf '%-44s%14s%14s%14s\n' "" "all" "same package" "cross session"
  score "untrained network" "$work/untrained/eval.h5"
  score "MFCC mean + deviation, no network" "$work/mfcc/eval.h5"
  for count in "${epochs[@]}"; do
    for stage in stage-1 round-1; do
      name="DINO, $count epochs"
      [ "$stage" = stage-1 ] || name="  + a round of pseudo labels"
      score "$name" "$work/dino-$count-epochs/$stage/eval.h5"
      score "$name, mean subtracted" "$work/dino-$count-epochs/$stage/eval.h5" "$work/dino-$count-epochs/$stage/train.h5"
    done
  done
} | tee "$work/table.txt"
printf '\nrun folder: %s\nits report: %s\n' "$run" "$("$bin/spcnet" report "$run")"
