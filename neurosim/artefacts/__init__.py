"""What is handed from stage to stage: mapping, program and result, as frozen dataclasses."""
