"""How TianJi touches the world: one folder per kind of thing touched."""
