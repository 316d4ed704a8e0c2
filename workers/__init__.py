"""When things happen: the store, the queue, the loop, deliveries and the model, in processes that hold nothing."""
