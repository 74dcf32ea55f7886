"""The stores: their interfaces (`ports`), and their implementations on one machine (`local`) and on AWS (`aws`)."""
