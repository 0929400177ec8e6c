"""Floor 2, the fleet. Never imports edge_agent, nor the reverse."""
