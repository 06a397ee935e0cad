#!/usr/bin/env bash
# All comparisons of docs/autoattack-comparison.md: trains the network in PyTorch if FOLDER has no weights, then runs the official AutoAttack, normlab, and PyTorch's
# check of normlab's images, for every size and both lists of attacks. What is done already is left out, so that it may be stopped and started again.
#
# Usage: run.sh CHECKOUT CIFAR_BINARY_FOLDER FOLDER [MODEL]      (MODEL: vgg11, or vgg11:width=0.25; PYTHON and THREADS from the environment)
# The quarter network takes about half an hour of one core, the whole one about three hours.
set -eu
code=$1 data=$2 folder=$3 model=${4:-vgg11}
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3} threads=${THREADS:-1} weights=$folder/weights.safetensors
mkdir -p "$folder"
[ -e "$weights" ] || "$python" "$here/../peer/train_torch.py" --model "$model" --data "$data" --seed 0 --threads "$threads" --save "$weights"
sha256sum "$weights"
for attacks in apgd-ce,apgd-t standard; do
    for size in "linf 8/255" "linf 2/255" "l2 0.25" "linf 1/255"; do
        set -- $size
        name=$1-${2%%/*}-$attacks
        [ -e "$folder/official-$name.json" ] || "$python" "$here/compare_official.py" official --code "$code" --model "$model" --weights "$weights" \
            --data "$data" --norm "$1" --eps "$2" --attacks "$attacks" --threads "$threads" --out "$folder/official-$name.json" >"$folder/official-$name.log"
        [ -e "$folder/ours-$name.json" ] || "$here/../../normlab" attack --model "$model" --weights "$weights" --data "cifar10:$data" --limit 200 --seed 0 \
            --batch-size 200 --norm "$1" --eps "$2" --attacks "$attacks" --threads "$threads" --state "$folder/$name.state" --save "$folder/ours-$name.npz" \
            --json "$folder/ours-$name.json" >"$folder/ours-$name.log" 2>&1
        [ -e "$folder/saved-$name.json" ] || "$python" "$here/compare_official.py" saved --model "$model" --weights "$weights" "$folder/ours-$name.npz" \
            --out "$folder/saved-$name.json" >"$folder/saved-$name.log"
    done
done
"$python" "$here/compare_official.py" table "$folder"
