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
  hostile)
    # What a log must not do to a terminal: move the cursor, set the title, write
    # the clipboard, switch the screen, ring, draw elsewhere, turn text around.
    printf 'A\033[2J\033[H\033[31mowned\n'
    printf 'B\033]0;owned title\007\033]52;c;b3duZWQ=\007\033]8;;http://owned\033\\\n'
    printf 'C\033[?1049l\033c\033P+q\033\\\033[6n\033[1;1H\a\n'
    printf 'D 10 %%\r\302\233HE\000\377\342\200\256F\033]0;never closed\n'
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
