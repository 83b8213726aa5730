phase unpackPhase
phase buildPhase
mkdir -p "$out"
for part in init mm fs net/wireless drivers/mmc; do echo "  CC      $part/main.o"; done
case $fail in
  exit)
    echo "net/wireless/main.c:42:7: error: 'struct wiphy' has no member named 'piwiz'" >&2
    echo "make[2]: *** [net/wireless/main.o] Error 1" >&2
    exit 2 ;;
  hang)
    echo "  LD      vmlinux"
    sleep 600 ;;
  space)
    echo "ld: final link failed: No space left on device" >&2
    exit 1 ;;
  nothing)
    rmdir "$out"
    exit 0 ;;
esac
phase installPhase
echo "a kernel" > "$out/Image"
if [ "$megabytes" != 0 ]; then dd if=/dev/urandom of="$out/vmlinux" bs=1048576 count="$megabytes"; fi
