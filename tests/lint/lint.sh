#!/usr/bin/env bash
# Formatting, static analysis, shell scripts, layout. Needs a configured build/release (for clang-tidy's compile commands).
#   lint.sh          everything            lint.sh --fix    formats the sources in place, then the same
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

mapfile -t sources < <(git ls-files --cached --others --exclude-standard '*.cpp' '*.h' '*.c' '*.cu')
[ "${1:-}" != --fix ] || clang-format-14 -i "${sources[@]}"
echo "lint: formatting of ${#sources[@]} files"
clang-format-14 --dry-run --Werror "${sources[@]}"

echo "lint: layout"
/usr/bin/env python3 tests/lint/layout.py

mapfile -t scripts < <(git ls-files --cached --others --exclude-standard dev .ci/run '*.sh' '*.sbatch')
echo "lint: ${#scripts[@]} shell scripts"
shellcheck "${scripts[@]}"

# Rooms are checked as the one unit that they are compiled as, which takes as long as one of their files does.
# A unit whose sources passed before is not checked again.
mkdir -p build/lint
check_unit() {
  local unit=$1 stamp parts
  mapfile -t parts < <(python3 tests/lint/sources_of.py "$unit")
  stamp=build/lint/$(sha256sum .clang-tidy "$unit" "${parts[@]}" | sha256sum | cut -c1-32)
  [ ! -e "$stamp" ] || return 0
  echo "lint: clang-tidy $unit"
  # clang's own OpenMP is not installed
  clang-tidy-14 --quiet --extra-arg=-fno-openmp -p build/release "$unit" 2>build/lint/stderr.$$ || { cat build/lint/stderr.$$ >&2; return 1; }
  touch "$stamp"
}
export -f check_unit
python3 tests/lint/sources_of.py --units build/release/compile_commands.json | xargs -P "$(nproc)" -I{} bash -c 'check_unit {}'
echo "lint: clean"
