#!/bin/sh
# Uses the photofind on the PATH as its user would, and fails where something does not work. It needs
# only a shell and the basic tools. What it writes lies in the folder given, which is the user's home.
#
#   use_photofind.sh HOME [FOLDER WITH SYSTEM'S FILES, such as /usr/share, or none]
set -eu

export HOME="$1" LANG=C.UTF-8
share="${2:-}"
unset PHOTOFIND_HOME XDG_DATA_HOME XDG_CONFIG_HOME
mkdir -p "$HOME"
cd "$HOME"

say() { echo "== $*"; }
fail() {
    echo "FAILED: $*" >&2
    exit 1
}

say "version"
photofind --version

say "demo"
photofind demo --json >demo.json
grep -q chelsea demo.json || fail "the demo did not find the cat"

say "daemon"
mkdir photos
for name in chelsea coffee rocket; do
    for variant in original cropped mirrored; do
        cp .local/share/photofind/demo/photos/$name-$variant.jpg photos/
    done
done
photofind folders add photos
photofind daemon start
photofind index --wait >/dev/null
photofind status
photofind similar photos/coffee-original.jpg --paths-only --all | head -n 2 >similar.txt
grep -q coffee- similar.txt || fail "nothing like the coffee was found: $(cat similar.txt)"

say "a photo that comes while it watches"
cp .local/share/photofind/demo/photos/moon-original.jpg photos/
tries=0
until photofind search moon-original --paths-only | grep -q moon-original; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || fail "the new photo was not found"
    sleep 0.3
done

# A browser that writes down what it was to open.
cat >browser <<END
#!/bin/sh
echo "\$1" >>"$HOME/opened"
END
chmod +x browser
export BROWSER="$HOME/browser"

if [ -n "$share" ]; then
    say "right-click"
    for action in \
        nemo/actions/photofind-similar.nemo_action \
        kio/servicemenus/photofind-similar.desktop \
        file-manager/actions/photofind-similar.desktop; do
        line=$(sed -n 's/^Exec=//p' "$share/$action" | head -n 1)
        photo="$HOME/photos/chelsea-original.jpg"
        case $line in *--uris*) photo="file://$photo" ;; esac
        : >opened
        # What stands for the selected files is the last word.
        ${line% %*} "$photo" || fail "$action: ${line% %*} $photo"
        grep -q ^file: opened || fail "$action opened nothing"
        echo "$action opened the page"
    done
    grep -q '"similar", "--open"' "$share/nautilus-python/extensions/photofind_similar.py"
    photofind desktop status
fi

say "a plugin"
photofind plugins new sunset
if photofind plugins install ./photofind-sunset 2>plugin.log; then
    photofind extractors check sunset
    photofind plugins uninstall sunset
else
    cat plugin.log >&2
    fail "the plugin was not installed"
fi

say "end"
photofind daemon stop
echo "photofind works"
