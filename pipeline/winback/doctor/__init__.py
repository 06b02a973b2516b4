"""Is this machine, and this project, fit to run? Each check gives findings and changes nothing."""
