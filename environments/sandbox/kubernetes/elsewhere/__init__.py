"""The use of an external cluster, named by ``SANDBOX_KUBECONFIG``, in place of the sandbox's own."""
