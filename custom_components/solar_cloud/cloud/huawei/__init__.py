"""Huawei FusionSolar: the SmartPVMS northbound API."""
