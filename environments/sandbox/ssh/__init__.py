"""SSH access to the sandbox: a jump host and, behind it, the worker node that answers kubectl.

Real SSH (asyncssh) with host keys, password and key logins, exec channels and direct-tcpip forwarding to an allow-list.
Not supported: interactive shells, pipes and other shell syntax, remote and agent forwarding. Only the target has sftp.
The hosts have the commands of :mod:`shell` and :mod:`kubectl` and nothing of the machine they run on; any other command
is an error.
"""
