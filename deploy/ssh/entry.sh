# entry.sh jump|target: the host keys lie in /keys as the one who started this owns them, and sshd wants its own.
set -eu
mkdir -p /etc/focus-acceptance
install -m 600 /keys/host_key /etc/focus-acceptance/host_key
sed "s#/keys/host_key#/etc/focus-acceptance/host_key#; s#/keys/authorized_keys#/etc/focus-acceptance/authorized_keys#" \
    "/etc/ssh/$1.conf" > /etc/focus-acceptance/sshd.conf
if [ "$1" = jump ]; then
    printf 'root:%s\n' "$(cat /keys/password)" | chpasswd
else
    install -m 644 /keys/authorized_keys /etc/focus-acceptance/authorized_keys
    usermod --password '*' prisma  # a locked account may not log in at all, not even with its key
fi
exec /usr/sbin/sshd -D -e -f /etc/focus-acceptance/sshd.conf
