"""Everything Puente keeps: the only package that talks to Redis.

One module per thing kept; scripts that must be atomic are in `scripts/*.lua`. Functions take a
`Store` first. All of them raise `StoreUnavailable` when Redis cannot be reached or refuses.
"""
