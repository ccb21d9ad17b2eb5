"""The nodes of the cluster: what kubelet and kube-proxy do on all of them, in one process."""
