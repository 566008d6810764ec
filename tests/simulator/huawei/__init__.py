"""Huawei FusionSolar: the SmartPVMS 24.5 northbound API."""
