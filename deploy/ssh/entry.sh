# entry.sh jump|target: start sshd. The files in /keys belong to the user who started the container; sshd requires its own
# copies.
set -eu
mkdir -p /etc/focus-acceptance
install -m 600 /keys/host_key /etc/focus-acceptance/host_key
sed "s#/keys/host_key#/etc/focus-acceptance/host_key#; s#/keys/authorized_keys#/etc/focus-acceptance/authorized_keys#" \
    "/etc/ssh/$1.conf" > /etc/focus-acceptance/sshd.conf
if [ "$1" = jump ]; then
    printf 'root:%s\n' "$(cat /keys/password)" | chpasswd
else
    install -m 644 /keys/authorized_keys /etc/focus-acceptance/authorized_keys
    usermod --password '*' prisma  # a locked account cannot log in at all, not even with a key
fi
exec /usr/sbin/sshd -D -e -f /etc/focus-acceptance/sshd.conf
