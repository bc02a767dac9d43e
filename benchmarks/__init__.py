"""`puente bench`: this machine measured with Puente and with a plain worker, in turn."""
