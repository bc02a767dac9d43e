"""Redis in, pixels and operator actions out: the live map, the queue, the wall and the API."""
