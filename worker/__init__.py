"""Runs jobs from the queue: role gpu renders pictures, role io talks to the network and delivers them."""
