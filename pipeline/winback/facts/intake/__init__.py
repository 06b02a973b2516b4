"""From files and databases to the tables of the facts: mapped, judged, accounted for."""
