"""The terminal at the other end: what it shows, how fast its line is, what it sends, and the driver.

Textual's own driver queues what is drawn, decodes stdin strictly, and waits for ever for a terminal that is
gone.
"""
