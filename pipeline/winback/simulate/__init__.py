"""A shop whose causes and effects are known: customers with habits, why they leave, and what would have kept them."""
