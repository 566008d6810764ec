"""Tests of Huawei FusionSolar, against the simulated cloud and single odd answers."""
