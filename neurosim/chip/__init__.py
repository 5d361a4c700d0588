"""The chip description: models, loader, presets and capacities."""
