"""A cluster that is not ours in the place of the sandbox's own, named by ``SANDBOX_KUBECONFIG``."""
