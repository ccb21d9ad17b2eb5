"""The same scenarios again and again, in other orders and on a busy machine: whether their verdict holds."""
