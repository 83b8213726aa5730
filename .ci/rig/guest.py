"""The host's half of guest: starts the virtual computer, has an ordinary user
on it list and write cards, changes cards meanwhile, and reads them back.

Argument: the seconds for taking cards out at many moments. The working folder
is the one that guest prepared. QMP: qemu, docs/interop/qmp-spec."""
import itertools, json, os, random, re, shutil, socket, struct, subprocess, sys, time

MiB = 1 << 20
FAT, FAT_SIZE, SIZE = 2 * MiB, 8 * MiB, 24 * MiB
CARD = 64 * MiB
BEGAN = time.time()


def say(*words):
    print("%6.1f s " % (time.time() - BEGAN), *words)


def must(ok, *words):
    if not ok:
        raise AssertionError(" ".join(map(str, words)))


def run(*args, **more):
    return subprocess.run(args, check=True, capture_output=True, text=True, **more).stdout


def said():
    """What piwiz has said up to now."""
    try:
        return open("share/out").read()
    except FileNotFoundError:
        return ""


def prepare():
    """A saved host with its keys, and an image: a table, a FAT file system, noise."""
    shutil.rmtree("share/home", ignore_errors=True)
    os.makedirs("share/home")
    with open("bach.toml", "w") as f:
        f.write('name = "bach"\nboard = "4"\nuser = "alice"\n'
                'keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFVQl5Fz0fVJ3cFkJ0YdYGmFFTaVJVnWYXUF5OdqGm8r me@laptop"]\n')
    # The host is saved when a build begins; this one ends at once, for its builder only says that it is there.
    os.makedirs("stub", exist_ok=True)
    with open("stub/podman", "w", opener=lambda p, flags: os.open(p, flags, 0o755)) as f:
        f.write("#!/bin/sh\necho 5.0.0\n")
    subprocess.run(["share/piwiz", "--builder", "podman:none", "build", "bach.toml"], capture_output=True,
                   env={"HOME": os.path.abspath("share/home"), "PATH": os.path.abspath("stub")})
    must(os.path.exists("share/home/.local/share/piwiz/hosts/bach/host.toml"), "the host is not saved")
    noise = random.Random(1)
    image = bytearray(noise.randbytes(SIZE))
    image[440:512] = bytes(72)
    for i, (kind, start, size) in enumerate([(0x0B, FAT, FAT_SIZE), (0x83, FAT + FAT_SIZE, SIZE - FAT - FAT_SIZE)]):
        image[446 + 16 * i:462 + 16 * i] = struct.pack("<4xB3xII", kind, start >> 9, size >> 9)
    image[510:512] = b"\x55\xaa"
    if os.path.exists("fat"):
        os.remove("fat")
    run("mkfs.vfat", "-C", "-F", "16", "-s", "1", "-n", "FIRMWARE", "fat", str(FAT_SIZE >> 10))
    image[FAT:FAT + FAT_SIZE] = open("fat", "rb").read()
    open("share/home/bach.img", "wb").write(image)


def written(card, was_blank=True):
    """The card is the image, with the host's key added to its FAT and nothing else.
    Behind it an interrupted run may have left what it doubted the card's size by."""
    image, got = open("share/home/bach.img", "rb").read(), open(card, "rb").read()
    must(got[:FAT] == image[:FAT] and got[FAT + FAT_SIZE:SIZE] == image[FAT + FAT_SIZE:], card, "does not hold the image")
    must(not was_blank or not any(got[SIZE:]), card, "was written beyond the image")
    at = f"{card}@@{FAT}"
    key = run("mtype", "-i", at, "::/piwiz/ssh_host_ed25519_key.pub")
    saved = "share/home/.local/share/piwiz/hosts/bach/secrets/ssh_host_ed25519_key.pub"
    must(key == open(saved).read(), "the key on", card, "is", key)
    open("fat.got", "wb").write(got[FAT:FAT + FAT_SIZE])
    run("fsck.vfat", "-n", "fat.got")


def bootable(card):
    """Not one that is half written: the first block is the final one, empty, or says so."""
    image, got = open("share/home/bach.img", "rb").read(512), open(card, "rb").read(512)
    return got == image or not any(got)


class Died(Exception):
    """QEMU ended, or its USB did; version 7.2 does that sometimes when a medium leaves a reader that is asked."""


class Guest:
    def __init__(self):
        self.boot()

    def restart(self):
        self.end()
        self.boot()
        self.services()

    def boot(self):
        for f in ["qmp", "port"]:
            if os.path.exists(f):
                os.remove(f)
        blank("card.img"), blank("sd.img")
        for f, size in [("disk.img", 300 << 30), ("nvme.img", 64 * MiB)]:
            with open(f, "wb") as x:
                x.truncate(size)
        run("mkfs.ext4", "-q", "-L", "system", "nvme.img")
        share = "security_model=none,multidevs=remap"
        self.qemu = subprocess.Popen([
            "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1024", "-M", "q35",
            "-nodefaults", "-no-user-config", "-display", "none", "-serial", "file:console", "-no-reboot",
            "-kernel", "vmlinux", "-initrd", "initrd.cpio", "-append", "console=ttyS0 quiet panic=-1 nokaslr mitigations=off tsc=reliable",
            "-virtfs", "local,path=share,mount_tag=host," + share, "-virtfs", "local,path=/,mount_tag=root,readonly=on," + share,
            "-virtfs", "local,path=udev,mount_tag=udev,readonly=on," + share,
            "-qmp", "unix:qmp,server=on,wait=off", "-device", "virtio-serial", "-chardev", "socket,id=port,path=port,server=on,wait=off",
            "-device", "virtserialport,chardev=port,name=host", "-device", "qemu-xhci,id=xhci",
            "-object", "throttle-group,id=rate,x-bps-write=20000000,x-bps-read=40000000",
            "-drive", "if=none,id=h,file=disk.img,format=raw", "-device", "usb-uas,bus=xhci.0,id=uas",
            "-device", "scsi-hd,bus=uas.0,drive=h,vendor=WD,product=Elements_25A2",
            "-drive", "if=none,id=n,file=nvme.img,format=raw", "-device", "nvme,drive=n,serial=S4EWNX0N123456",
            "-device", "ide-cd,bus=ide.0", "-device", "sdhci-pci", "-drive", "if=none,id=s", "-device", "sd-card,id=sd,drive=s",
        ], stdin=subprocess.DEVNULL, stdout=open("qemu.log", "a"), stderr=subprocess.STDOUT)
        self.monitor, self.port = self.connect("qmp"), self.connect("port")
        json.loads(self.monitor.readline())
        self.do("qmp_capabilities")
        try:
            must(self.port.readline() == b"ready\n", "the guest does not start: see console")
        except OSError:
            raise Died
        self.sh("mkdir /srv/files && mount /dev/nvme0n1 /srv/files")
        self.nodes = itertools.count()

    def connect(self, path):
        for _ in range(200):
            try:
                s = socket.socket(socket.AF_UNIX)
                s.connect(path)
                s.settimeout(90)
                return s.makefile("rwb")
            except OSError:
                time.sleep(.05)
        raise Died

    def do(self, command, **arguments):
        try:
            self.monitor.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
            self.monitor.flush()
            while True:
                line = self.monitor.readline()
                if not line:
                    raise Died
                answer = json.loads(line)
                if "error" in answer:
                    raise AssertionError(f"{command}: {answer['error']['desc']}")
                if "return" in answer:
                    return answer["return"]
        except OSError:
            raise Died

    def sh(self, line, code=0):
        """Runs a shell line as root; its output."""
        try:
            self.port.write(line.replace("\n", "; ").encode() + b"\n")
            self.port.flush()
            head = self.port.readline()
            if not head:
                raise Died
            got, size = map(int, head.split())
            out = self.port.read(size).decode()
        except OSError:
            raise Died
        must(code is None or got == code, f"{line!r} ended with {got}, not {code}:\n{out}")
        return out

    def end(self):
        self.qemu.kill()
        self.qemu.wait()

    # The reader and its cards. What is put in is a file behind a rate of its own.
    def node(self, file):
        name = f"n{next(self.nodes)}"
        self.do("blockdev-add", **{"driver": "throttle", "throttle-group": "rate", "node-name": name,
                                   "file": {"driver": "raw", "file": {"driver": "file", "filename": file, "locking": "off"}}})
        return name

    def plug(self, file):
        """The reader, with a card in its first slot; the kernel's name of that, which finds the two slots side by side."""
        self.do("device_add", driver="usb-bot", bus="xhci.0", id="reader")
        self.do("device_add", driver="scsi-hd", bus="reader.0", id="slot", **{
            "scsi-id": 0, "lun": 0, "drive": self.node(file), "removable": True, "vendor": "Generic-", "product": "SD/MMC", "serial": "RDR1"})
        empty = self.node(file)
        self.do("device_add", driver="scsi-hd", bus="reader.0", id="slot2", **{
            "scsi-id": 0, "lun": 1, "drive": empty, "removable": True, "vendor": "Generic-", "product": "M.S./M.S.Pro/HG", "share-rw": True})
        self.do("blockdev-open-tray", id="slot2", force=True)
        self.do("blockdev-remove-medium", id="slot2")
        self.do("qom-set", path="/machine/peripheral/reader", property="attached", value=True)
        try:
            return self.sh("for i in $(seq 100); do for d in /sys/block/sd*; do case $(cat $d/device/model 2> /dev/null) in SD/MMC*) "
                           "[ $(cat $d/size 2> /dev/null || echo 0) != 0 ] && udevadm settle && basename $d && exit;; esac; done; sleep .1; done; exit 1").strip()
        except AssertionError:
            self.lost("the reader")

    def unplug(self):
        self.do("device_del", id="reader")

    def insert(self, slot, file):
        self.do("blockdev-open-tray", id=slot, force=True)
        self.do("blockdev-remove-medium", id=slot)
        self.do("blockdev-insert-medium", id=slot, **{"node-name": self.node(file)})
        self.do("blockdev-close-tray", id=slot)

    def takeout(self, slot):
        self.do("blockdev-open-tray", id=slot, force=True)
        self.do("blockdev-remove-medium", id=slot)

    def wait(self, disk, there=True):
        """Until the kernel has a card in that disk, or none."""
        try:
            self.settled(disk, there)
        except AssertionError:
            self.lost(disk)

    def lost(self, what):
        say("no change of", what, self.sh("ls /sys/block; dmesg | tail -n 4", None))
        raise Died

    def settled(self, disk, there):
        self.sh(f"for i in $(seq 100); do n=$(cat /sys/block/{disk}/size 2> /dev/null || echo 0); "
                f"[ $n {'!=' if there else '='} 0 ] && break; sleep .1; done; [ $n {'!=' if there else '='} 0 ] && udevadm settle")

    def services(self, rule="polkit.Result.YES"):
        """The bus, polkit and UDisks2, as a desktop has them."""
        with open("share/rule", "w") as f:
            f.write('polkit.addRule(function(a, s) { if (a.id.indexOf("org.freedesktop.udisks2.") == 0 && s.user == "pat") return %s; });\n' % rule)
        self.sh("cp /tmp/share/rule /etc/polkit-1/rules.d/10-pat.rules; chmod -R a+rX /etc/polkit-1; "
                "(dbus-daemon --system --nofork --nopidfile & until [ -S /run/dbus/system_bus_socket ]; do sleep .1; done; "
                "/usr/lib/polkit-1/polkitd --no-debug &) > /run/services 2>&1; "
                "for i in $(seq 200); do dbus-send --system --print-reply --dest=org.freedesktop.UDisks2 /org/freedesktop/UDisks2/Manager "
                "org.freedesktop.DBus.Peer.Ping > /dev/null 2>&1 && break; sleep .1; done; [ $i != 200 ]")

    def pat(self, line, code=0):
        return self.sh(f"setsid setpriv --reuid 61000 --regid 61000 --clear-groups env HOME=/home/pat XDG_STATE_HOME=/tmp sh -c '{line}' < /dev/null", code)

    def start(self, disk):
        """Starts writing; end() below waits for it."""
        for f in ["out", "code"]:
            if os.path.exists("share/" + f):
                os.remove("share/" + f)
        self.sh("rm -f /home/pat/out; (setsid setpriv --reuid 61000 --regid 61000 --clear-groups env HOME=/home/pat XDG_STATE_HOME=/tmp "
                f"/run/piwiz flash bach /dev/{disk} --yes --json --image /home/pat/bach.img < /dev/null > /tmp/share/out 2>&1; "
                "echo $? > /tmp/share/code.new; mv /tmp/share/code.new /tmp/share/code) > /dev/null 2>&1 &")

    def finish(self, limit=60):
        """The exit code, the events, and when it was."""
        until = time.time() + limit
        while not os.path.exists("share/code"):
            must(time.time() < until, "no end within", limit, "s:", said()[-600:])
            if self.qemu.poll() is not None:
                raise Died
            time.sleep(.02)
        at = time.time()
        text = said()
        events = [json.loads(x) for x in text.splitlines() if x.startswith("{")]
        return int(open("share/code").read()), events, text, at

    def flash(self, disk, file, limit=60, was_blank=True):
        self.start(disk)
        code, events, text, _ = self.finish(limit)
        must(code == 0 and events[-1]["event"] == "written", text)
        written(file, was_blank)
        return events[-1], text


def blank(file):
    with open(file, "wb") as f:
        f.truncate(CARD)


def lists(g):
    """What is offered, in which order, and why the others are not."""
    disk = g.plug("card.img")
    other = "sdc" if disk == "sdb" else "sdb"
    g.insert("sd", "sd.img"), g.wait("mmcblk0")
    got = [json.loads(x) for x in g.pat("/run/piwiz cards --all --json").splitlines()]
    offered = [c["path"] for c in got if not c["refusal"]]
    must(offered == ["/dev/mmcblk0", "/dev/" + disk, "/dev/sda"], "offered:", offered)
    must("large for a card" in got[2]["warnings"][0], got[2])
    why = {c["path"]: c["refusal"] for c in got if c["refusal"]}
    must(why == {"/dev/" + other: "There is no card in this slot.", "/dev/sr0": "This is a CD or DVD drive.",
                 "/dev/nvme0n1": "This computer keeps files of its own on it (/srv/files)."}, why)
    say("the list is right:", *offered, "and the reasons for", *why)
    names(g, disk)
    g.unplug(), g.wait(disk, False)


def names(g, disk):
    """What udev calls a card leads to it, and what is made of it is told."""
    def flash(name, *flags):
        return g.pat(f"/run/piwiz flash bach {name} --image /home/pat/bach.img {' '.join(flags)}", 3)
    link = g.sh("for l in /dev/disk/by-id/* /dev/disk/by-path/*; do [ $(readlink -f $l) != /dev/%s ] || echo $l; done" % disk).split()
    must(link, "udev has no link to", disk, g.sh("ls -l /dev/disk/*"))
    for name in link + [disk, f"/dev/../dev/{disk}"]:
        out = flash(name)
        must(f"/dev/{disk} would be erased" in out, name, "is", out)
    g.sh(f"dmsetup create made --table \"0 8192 linear /dev/{disk} 0\" && udevadm settle")
    out = flash("/dev/mapper/made", "--yes")
    must("made by the device mapper (made)" in out and f"That disk, /dev/{disk}, is not written either" in out, out)
    out = flash("/dev/" + disk, "--yes")
    must("in use by another part of this computer (dm-" in out, out)
    g.sh("dmsetup remove --retry made")
    out = flash("/dev/nvme0n1", "--any-disk", "--yes")
    must("(/srv/files)" in out, out)
    g.sh("umount /srv/files")
    must("--yes does not replace them" in flash("/dev/nvme0n1", "--any-disk", "--yes"), "no questions for an NVMe disk")
    must("--any-disk" in flash("/dev/nvme0n1", "--yes"), "no way for an NVMe disk")
    g.sh("mount /dev/nvme0n1 /srv/files")
    say("found by", *link)


def hotplug(g):
    """A disk shows up soon after the kernel's own message, and goes so. The guest is slow:
    one second on a computer, which flash/detect tests, may be three here."""
    g.sh("stdbuf -oL udevadm monitor --kernel --subsystem-match=block > /run/kernel 2>&1 & stdbuf -oL /run/watch > /run/seen 2>&1 & sleep 2")
    disk = g.plug("card.img")
    time.sleep(3)
    g.takeout("sd"), g.wait("mmcblk0", False)
    time.sleep(2)
    g.unplug(), g.wait(disk, False)
    time.sleep(2)
    g.sh("kill $(pidof watch udevadm)")
    kernel = [(float(at), act, name) for at, act, name in re.findall(r"KERNEL\[([\d.]+)\] (\w+) +\S*/(\w+) \(block\)", g.sh("cat /run/kernel"))]
    lines = g.sh("cat /run/seen").splitlines()
    must(lines and all(x[0].isdigit() for x in lines), "\n".join(lines))
    seen = [(float(x.split()[0]), x.split()[1:]) for x in lines]
    for act, name, test in [("add", disk, lambda l: disk in l), ("remove", "mmcblk0", lambda l: "mmcblk0" not in l), ("remove", disk, lambda l: disk not in l)]:
        at = [t for t, a, n in kernel if a == act and n == name]
        must(at, "no message of the kernel:", act, name, kernel)
        after = [t - at[0] for t, l in seen if t > at[0] - .5 and test(l)]
        must(after and after[0] < 3, name, "was seen", after, "s after", act)
        say(f"{act} of {name} is seen {after[0]:.2f} s after the kernel's message")


def put(g, kind, anew=True):
    """A card into the slot, or into a reader: the kernel's name for it, and the file behind it."""
    file = "sd.img" if kind == "slot" else "card.img"
    if anew:
        blank(file)
    if kind != "slot":
        return g.plug(file), file
    g.insert("sd", file), g.wait("mmcblk0")
    return "mmcblk0", file


def writes(g):
    """Through sudo, then through UDisks2, each kind of slot; the seconds that each takes."""
    took = {}
    for way in ["sudo", "UDisks2"]:
        if way == "UDisks2":
            g.services()
        for kind in ["reader", "slot"]:
            disk, file = put(g, kind)
            e, text = g.flash(disk, file)
            must(("administrator" in text) == (way == "sudo"), text)
            if way == "UDisks2" and kind == "reader":
                must(e["safe_to_remove"], "the card was not ejected:", g.sh("cat /tmp/piwiz/piwiz.log; grep -i -v plugin /run/services; ls -la /usr/bin/eject; cat /sys/block/*/size", None))
                must(g.sh(f"cat /sys/block/{disk}/size") == "0", "the slot is not empty")
            elif way == "sudo":
                must(not e["safe_to_remove"], text)
                g.sh(f"for i in $(seq 30); do [ -e /sys/block/{disk}/{disk}*2 ] && break; sleep .1; done; [ $i != 30 ]")
            took[kind] = e["seconds"]
            say(f"{disk} through {way}: right, {e['seconds']:.1f} s, ejected: {e['safe_to_remove']}")
            g.unplug() if kind == "reader" else g.takeout("sd")
            g.wait(disk, False)
    return took


NAMED = re.compile("reader was unplugged|card was taken out|no longer answers", re.I)


def moment(g, kind, share, took):
    """Takes the card out while it is written or read back, after that share of the time it takes."""
    disk, file = put(g, kind)
    g.start(disk)
    until = time.time() + 20
    while '"progress"' not in said():
        must(time.time() < until, "it does not begin:", said())
        time.sleep(.01)
    time.sleep(share * took["slot" if kind == "slot" else "reader"])
    at = time.time()
    {"slot": lambda: g.takeout("sd"), "card": lambda: g.takeout("slot"), "reader": g.unplug}[kind]()
    code, events, text, end = g.finish()
    last = events[-1]
    if code == 0 and end - at < 1:
        written(file)
        return "done before", 0, "nothing was lost"
    must(code == 1 and last["event"] == "error" and NAMED.search(last["error"]), kind, share, "ended with", code, text[-800:])
    must(end - at <= 5, "it took", end - at, "s to notice")
    must(bootable(file), "the card is half written and would boot")
    stage = [e["stage"] for e in events if e["event"] == "progress"][-1]
    if kind == "card":
        g.unplug()
    g.wait(disk, False)
    g.sh("[ -z \"$(pgrep -u 61000 piwiz)\" ]")
    return stage, end - at, last["error"]


def again(g, kind):
    disk, file = put(g, kind, anew=False)
    g.flash(disk, file, was_blank=False)
    g.takeout("sd") if kind == "slot" else g.unplug()
    g.wait(disk, False)


def moments(g, took, seconds):
    """As many as there is time for; the computer, which may be another one by then."""
    until = time.time() + seconds
    count, deaths, slowest = 0, 0, 0
    kinds = itertools.cycle(["reader", "slot", "reader", "slot", "card"])
    while time.time() < until:
        kind, share = next(kinds), (count * 0.382) % 1
        try:
            stage, noticed, error = moment(g, kind, share, took)
            if count % 3 == 0:
                again(g, kind)
        except Died:
            deaths += 1
            say(f"the guest is started anew: {kind} at {share:.2f}")
            must(deaths < 5, "too often: see qemu.log")
            g.restart()
            continue
        count, slowest = count + 1, max(slowest, noticed)
        say(f"{kind} at {share:.2f}: {stage}, {noticed:.1f} s, {error}")
    must(count >= seconds / 25, "only", count, "moments")
    say(f"{count} moments, the slowest noticed after {slowest:.1f} s; the guest was started anew {deaths} times")


def main():
    prepare()
    g = Guest()
    try:
        say("the guest is up")
        lists(g)
        hotplug(g)
        took = writes(g)
        moments(g, took, float(sys.argv[1]))
    finally:
        g.end()


if __name__ == "__main__":
    main()
