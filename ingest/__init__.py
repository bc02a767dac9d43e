"""MQTT in, facts out: decode, admit, log, fold, decide."""
