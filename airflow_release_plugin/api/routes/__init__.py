"""One router for each noun; a route is a typed body, one service call, a typed answer."""
