"""What every Puente process agrees on: values, geometry, keys, storage, settings and the clock."""
