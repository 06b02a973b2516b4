"""What each action truly does for whom, learned from what campaigns brought; and what another choice would bring."""
