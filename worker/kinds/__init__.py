"""What a gpu worker can do, one module per kind of request; `worker.tasks.render` chooses among them."""
