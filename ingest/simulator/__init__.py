"""Journeys on real roads with labelled incidents: just another set of MQTT clients."""
