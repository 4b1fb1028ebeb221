"""Kernel memory as machines, read with drgn: of a dump, of a guest that runs, of this kernel.

- `target` opens what there is to read; `ram`, `flattened` and `notes` know its forms.
- `btf` parses the kernel's own description of its types, `types` makes drgn's types of them, `symbols` says where
  things are; `kernel` is a kernel with both.
- `walk` reads a machine for every page size. What a kernel calls a thing, and where it keeps it, is said once, in
  `layout`; `page_tables`, `page_cache`, `files`, `cgroups` and `mappings` each read one kind of thing.

drgn is an optional dependency: nothing outside of this package imports it.
"""
