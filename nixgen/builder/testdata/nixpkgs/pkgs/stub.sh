mkdir -p "$out/bin"
echo "$name" > "$out/bin/README"
