"""An actor's own model, trained on footage that a studio owns: dataset, training, export.

Modules that import PyTorch are imported only when training runs, so that a dataset can be made without it.
"""
