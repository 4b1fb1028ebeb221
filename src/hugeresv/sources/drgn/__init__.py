"""Kernel memory as machines, read with drgn: of a dump, of a guest that runs, of this kernel.

- `target` opens what there is to read; `ram`, `flattened` and `kdump` know its forms.
- `btf` parses the kernel's own description of its types, and `types` makes drgn's types of them; `kernel` is a kernel
  with its types and symbols.
- `walk` reads a machine for every page size. `files`, `mappings`, `page_cache`, `page_tables`, `folios`, `cgroups` and
  `tasks` each read one kind of thing. `objects` has what they ask of a kernel's objects, with bounds.

drgn is an optional dependency: nothing outside of this package imports it.
"""
