"""The DAG that works on a release, made of the public operators and sensors."""
