img=$out
if [ -n "$compress" ]; then img=temp.img; fi
(
  mkdir -p ./files
  eval "$populateImageCommands"
)

echo "Preparing store paths for image..."
mkdir -p ./rootImage/nix/store
xargs -n 50 sh -c 'cp -r "$@" ./rootImage/nix/store/' cp < "$closureInfo/store-paths"
for file in ./files/*; do cp -r "$file" ./rootImage/; done
cp "$closureInfo/registration" ./rootImage/nix-path-registration
# Here cp sets times anew. That is for others a matter of the store.
find ./rootImage -exec touch -h -d @1 {} +

inodes=$(find ./rootImage | wc -l)
blocks=$(find ./rootImage -exec stat -c %s {} + | awk '{ all += int(($1 + 4095) / 4096) } END { print int(all * 1.2) }')
bytes=$((2 * 4096 * inodes + 4096 * blocks))
echo "Creating an EXT4 image of $bytes bytes (numInodes=$inodes, numDataBlocks=$blocks)"
mebi=1048576
bytes=$(((bytes + mebi - 1) / mebi * mebi))
truncate -s $bytes "$img"

# Everything is root's: faked remembers that, and what tool runs is told so.
for from in $nativeBuildInputs; do [ ! -e "$from/lib/libfakeroot-sysv.so" ] || lib=$from/lib; done
faked=$(tool faked-sysv)
export FAKEROOTKEY=${faked%%:*} FAKETIME="1970-01-01 00:00:01" FAKETIME_FMT="%Y-%m-%d %H:%M:%S" TZ=UTC
# Here each builder ends in the same bytes: in nixpkgs the seed is random,
# resize2fs knows what time it is, and where /sys can be seen (outside the
# sandbox) both leave tables of inodes to the kernel.
export RESIZE2FS_FORCE_ITABLE_INIT=1
preload=$lib/libfakeroot-sysv.so:$lib/libfaketime.so.1
tool mke2fs -t ext4 -L "$volumeLabel" -U "$uuid" -E "hash_seed=$uuid,lazy_itable_init=0" -d ./rootImage "$img"
preload=$lib/libfaketime.so.1
kill "${faked##*:}"

export EXT2FS_NO_MTAB_OK=yes
if ! tool e2fsck -n -f "$img"; then
  echo "--- Fsck failed for EXT4 image of $bytes bytes (numInodes=$inodes, numDataBlocks=$blocks) ---"
  exit 1
fi
# As small as it can be, and 16 MiB more.
tool resize2fs -M "$img"
size=$(tool dumpe2fs -h "$img" 2> /dev/null | awk -F: '/^Block count/ { count = $2 } /^Block size/ { size = $2 } END { print (count * size + 16 * 1024 * 1024) / size }')
tool resize2fs "$img" "$size"
if [ -n "$compress" ]; then tool zstd -q -T"${NIX_BUILD_CORES:-1}" "$img" -o "$out"; fi
