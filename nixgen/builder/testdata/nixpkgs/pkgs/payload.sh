# 26 files in 5 folders, 1 MiB in all that cannot be compressed.
for folder in a b c d e; do
  mkdir -p "$out/$folder"
  for file in 1 2 3 4 5; do head -c 41943 /dev/urandom > "$out/$folder/$file"; done
done
echo "$number" > "$out/number"
