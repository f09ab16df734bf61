"""Replays providers' recorded answers through a running proxy and compares what comes out with what they hold.

`recordings` finds them, the modules named after providers read their own formats, `client` reads what the proxy
answered, and both give a `Reading`. None of it shares a line with the program under test.
"""
