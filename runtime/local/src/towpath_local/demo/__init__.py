"""The demo: a shop's database moves to object storage on this machine, twice, and is compared row by row.

`shop` is the database, `stage` the servers, `pipeline` what is created through the public API, `lake` the independent
reader, `checksums` the comparison, `report` its table, `play` the order of things.
"""
