"""The nodes of the cluster: the kubelets and kube-proxies of all nodes in one process."""
