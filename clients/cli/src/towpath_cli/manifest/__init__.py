"""Pipeline files: what `towpath apply` reads, compares with the server and carries out.

`yaml_lines` reads YAML and remembers lines, `entries` is the shape of a file, `read` puts both together, `plan`
compares, `connection_view` flattens connections for the comparison, `carry_out` makes the calls.
"""
