package nixgen

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	label    = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	userForm = regexp.MustCompile(`^[a-z_][a-z0-9_-]*$`)
)

// CheckName gives the canonical form of a host name (a label of RFC 1123, in
// lower case) and what must be changed, "" when nothing.
func CheckName(s string) (canonical, complaint string) {
	s = strings.ToLower(strings.TrimSpace(s))
	switch {
	case s == "":
		return s, "Give it a name, for example bach."
	case len(s) > 63:
		return s, fmt.Sprintf("A name has at most 63 characters, this one has %d. Make it shorter.", utf8.RuneCountInString(s))
	case strings.Contains(s, "."):
		return s, "Leave out the dot: piwiz adds .local itself."
	case strings.Contains(s, "_"):
		return s, "Use - instead of _: network names have no underscore."
	case strings.Contains(s, " "):
		return s, "Use - instead of the space."
	case strings.HasPrefix(s, "-") || strings.HasSuffix(s, "-"):
		return s, "Begin and end it with a letter or digit, not with -."
	case !label.MatchString(s):
		return s, "Use only the letters a to z, digits and -."
	case thisComputer[s]:
		return s, "Choose another name: this one always means the computer that asks for it."
	case special[s]:
		return s, "Choose another name: this one has a special meaning on networks."
	}
	return s, ""
}

// Names that have a meaning already: in the hosts file of every Linux
// (hosts(5)), and in RFC 6761, 6762, 7686 and 8375. Computers ask for wpad and
// isatap by themselves, and believe what answers.
var (
	thisComputer = set("localhost localdomain ip6-localhost ip6-loopback localhost4 localhost6")
	special      = set("local broadcasthost ip6-localnet ip6-mcastprefix ip6-allnodes ip6-allrouters invalid onion wpad isatap")
)

// CheckNewName is CheckName for a host that is not there yet. computer is the
// name of the computer that piwiz runs on.
func CheckNewName(s, computer string) (canonical, complaint string) {
	canonical, complaint = CheckName(s)
	computer, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(computer)), ".")
	if complaint == "" && canonical == computer {
		complaint = "Choose another name: this computer already has it."
	}
	return canonical, complaint
}

// CheckUser does the same for the name of the user on the Pi.
func CheckUser(s string) (canonical, complaint string) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return s, "Give your user a name, for example pi."
	case len(s) > 31:
		return s, "A user name has at most 31 characters. Make it shorter."
	case s != strings.ToLower(s):
		return s, "Use lowercase letters only."
	case !userForm.MatchString(s):
		return s, "Use the letters a to z, digits, - and _, and begin with a letter."
	case ofSystem(s):
		return s, "NixOS already has a user with that name. Choose another."
	case services[s]:
		return s, "NixOS reserves that name for a group or a service. Choose another."
	}
	return s, ""
}

// ofSystem tells whether every host that is built has such a user already: the
// two would be one, and NixOS refuses that after minutes of reading.
func ofSystem(user string) bool {
	return users[user] || strings.HasPrefix(user, "nixbld") || strings.HasPrefix(user, "systemd-")
}

// The users of a generated host (nixos/modules/config/users-groups.nix and the
// services that it turns on), and the groups and services that a user could be
// taken for (nixos/modules/misc/ids.nix).
var (
	users    = set("root nobody messagebus sshd avahi polkituser nscd wpa_supplicant dhcpcd rtkit")
	services = set(`wheel users nogroup adm audio cdrom clock dialout disk floppy input keys kmem kvm lp networkmanager proc render
shadow sgx tape tty uinput utmp uucp video wwwrun scanner libvirtd vboxsf vboxusers docker podman
activemq aerospike alerta amule apache aria2 asterisk atd automatic-timezoned avahi-autoipd bacula bepasty bosun cadvisor caddy
calibre-server cassandra ceph cfdyndns cfssl chrony clamav clickhouse cockroachdb couchdb cups datadog davfs2 deluge dictd disnix
distcc dnsmasq dovecot dovecot2 dovenull2 dspam duplicati ejabberd elasticsearch exim fcron firebird foldingathome foundationdb
freenet ftp gateone gdm git gitea gitlab gitlab-runner gitolite gnunet gocd-agent gocd-server gpsd grafana graphite hadoop
haldaemon haproxy hass hbase hdfs headphones hqplayer hydra hydra-queue-runner hydra-www i2p i2pd ihaskell infinoted influxdb
iodined ipfs ircd jackett jenkins kanboard kapacitor kodi kubernetes lambdabot leaps lidarr lightdm lighttpd liquidsoap lirc
localtimed mapred matrix-synapse mattermost mediatomb mighttpd2 minetest minidlna minio mjpg-streamer mlmmj monetdb moonraker
mopidy mosquitto mpd munin murmur mysql nagios namecoin newrelic nginx nm-openvpn nsd nslcd ntp nylon nzbget octoprint oidentd
opendkim openldap opentsdb openvpn osgi paperless pdnsd peerflix pipewire plex plexpy polipo postdrop postfix postgres postgrey
postsrsd prometheus prosody pulseaudio qemu-libvirtd quassel rabbitmq radarr redis redmine restic riemann riemanndash
riemanntools rpc rslsync rspamd rss2email rstudio-server sabnzbd scollector sddm shoko sickbeard siproxd skydns slurm smbguest
smtpd smtpq sniproxy sonarr spamd spiped starbound subsonic supybot syncthing taskd tcpcryptd teamspeak telegraf terraria tomcat
tor transmission tss turnserver unbound uptimed uwsgi varnish vault webdav xtreemfs yandexdisk yarn zabbix zigbee2mqtt znc
zoneminder`)
)

func set(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}
