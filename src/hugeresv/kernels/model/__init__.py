"""The model as a kernel: a behaviour, with scenarios' names for what is in its machine."""
