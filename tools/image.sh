#!/usr/bin/env bash
# Makes a folder with normlab, a Java runtime, and a TornadoVM SDK if TORNADOVM_HOME is set, that runs on machines without Java (of the same
# operating system and processor). On a GPU machine: unpack, then FOLDER/normlab gpu-selftest.
#
# Usage: tools/image.sh FOLDER          (tar czf normlab.tar.gz -C "$(dirname FOLDER)" "$(basename FOLDER)" packs it)
set -eu
[ $# -eq 1 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
out=$1
[ ! -e "$out" ] || { echo "image: $out is there already; choose a new folder" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
sdk=${TORNADOVM_HOME:-}

# The JDK that the launcher found, and its build: with the module for GPUs and the cases of the self-test if there is an SDK.
{ read -r jdk && read -r build; } < <("$root/normlab" --where ${sdk:+--device gpu}) || { echo "image: the build failed" >&2; exit 1; }
modules=$("$jdk/bin/java" --list-modules | sed 's/@.*//' | grep -vx 'jdk.jlink\|jdk.jpackage' | paste -sd,)

mkdir -p "$out/lib"
"$jdk/bin/jlink" --add-modules "$modules" --strip-debug --no-header-files --no-man-pages --compress zip-6 --output "$out/runtime" |
    { grep -vx 'WARNING: Using incubator modules: jdk.incubator.vector' || true; }
cp "$build"/*.jar "$out/lib/"
cp "$root/LICENSE" "$root/README.md" "$out/"
commit=$(git -C "$root" describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null || true)
printf '%s\n' "$commit" >"$out/commit"
if [ -n "$sdk" ]; then
    mkdir "$out/tornado"
    cp -r "$sdk/lib" "$sdk/share" "$sdk/etc" "$sdk"/LICENSE* "$out/tornado/"
    # TornadoVM's own module path begins with the current folder, where anything may lie; paths are filled in at every start.
    argfile=$sdk/tornado-argfile.template # whose paths are ${TORNADOVM_HOME}; the file that is made of it has some spelling of the folder
    [ -r "$argfile" ] || argfile=$sdk/tornado-argfile
    sed -e 's/^--module-path \.:/--module-path /' -e 's|${TORNADOVM_HOME}|@TORNADO@|g' -e "s|${sdk%/}|@TORNADO@|g" \
        -e "s|$(cd "$sdk" && pwd -P)|@TORNADO@|g" "$argfile" >"$out/tornado/argfile.in"
    if ! grep -q @TORNADO@ "$out/tornado/argfile.in"; then
        echo "image.sh: $argfile names the SDK by another path than $sdk; set TORNADOVM_HOME to the path that it names" >&2
        exit 1
    fi
fi

cat >"$out/normlab" <<'RUN'
#!/usr/bin/env bash
# normlab with its own Java runtime: ./normlab COMMAND [OPTIONS]. NORMLAB_JAVA_OPTS gives the JVM more options.
set -u
file=${BASH_SOURCE[0]}
while [ -L "$file" ]; do
    link=$(readlink "$file")
    case $link in /*) file=$link ;; *) file=$(dirname "$file")/$link ;; esac
done
home=$(cd -P "$(dirname "$file")" && pwd)
options=()
before=""
for argument in "$@"; do
    case $before$argument in --device=[Gg][Pp][Uu]* | --device[Gg][Pp][Uu]* | devices | gpu-selftest) [ -d "$home/tornado" ] && options=(gpu) ;; esac
    case $argument in --device) before=--device ;; *) before="" ;; esac
done
if [ ${#options[@]} -gt 0 ]; then
    arguments=$(mktemp)
    trap 'rm -f "$arguments"' EXIT
    sed "s|@TORNADO@|$home/tornado|g" "$home/tornado/argfile.in" >"$arguments"
    export TORNADOVM_HOME=$home/tornado
    options=("@$arguments" -Dtornado.recover.bailout=false -Dtornado.enable.nativeFunctions=false -Dtornado.tvm.maxbytecodesize=262144 -Dtornado.max.events=512)
fi
# The launcher's own options (see there). The JVM's line about the incubating Vector API is of no use to anyone.
"$home/runtime/bin/java" ${options[@]+"${options[@]}"} \
    --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
    -XX:+UseParallelGC -Xmn32m -XX:MaxRAMPercentage=50 -XX:Tier4MinInvocationThreshold=20 -Dnormlab.warmUp=true -Dnormlab.commit="$(cat "$home/commit")" \
    -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 ${NORMLAB_JAVA_OPTS:-} \
    -cp "$home/lib/*" dev.normlab.experiments.cli.Main "$@" \
    2> >(trap '' INT TERM HUP; grep --line-buffered -vx 'WARNING: Using incubator modules: jdk.incubator.vector' >&2)
RUN
chmod +x "$out/normlab"
echo "$out: $(du -sh "$out" | cut -f1); $("$out/normlab" --version)"
