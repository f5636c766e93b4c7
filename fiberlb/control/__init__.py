"""The control plane: what was asked for, checked, stored and put in force."""
