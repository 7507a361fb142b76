"""Semantic models as Cube's YAML files: reading with line numbers, and writing."""

from aiser_app.semantic.cube_files.reading import CubeFile, read_cube_file
from aiser_app.semantic.cube_files.writing import write_cube_file

__all__ = ["CubeFile", "read_cube_file", "write_cube_file"]
