"""The fields of the vendor's examples, by what an empty one holds: shapes, no values."""

# numbers that are zero; decimals; words; never filled ("", null, "null"); truths.

INVERTER = {
    "whole": """
        apfStatus deratingMode dwStringWarningValue1 faultCode1 faultCode2
        faultType faultValue gfci id pidFaultCode pidStatus status warnBit
        warnCode warningValue1 warningValue2 warningValue3 wPIDFaultValue
        wStringStatusValue
    """,
    "decimal": """
        compharir compharis compharit compqr compqs compqt ctharir ctharis
        ctharit ctir ctis ctit ctqr ctqs ctqt currentString1 currentString2
        currentString3 currentString4 currentString5 currentString6
        currentString7 currentString8 currentString9 currentString10
        currentString11 currentString12 currentString13 currentString14
        currentString15 currentString16 epv1Today epv1Total epv2Today epv2Total
        epv3Today epv3Total epv4Today epv4Total epv5Today epv5Total epv6Today
        epv6Total epv7Today epv7Total epv8Today epv8Total epvTotal eRacToday
        eRacTotal fac iacr iacs iact iPidPvape iPidPvbpe iPidPvcpe iPidPvdpe
        iPidPvepe iPidPvfpe iPidPvgpe iPidPvhpe ipmTemperature ipv1 ipv2 ipv3
        ipv4 ipv5 ipv6 ipv7 ipv8 nBusVoltage opFullwatt pac pacr pacs pact
        pBusVoltage pf pidBus powerToday powerTotal ppv ppv1 ppv2 ppv3 ppv4 ppv5
        ppv6 ppv7 ppv8 pvIso rac rDci realOPPercent sDci strBreak strFault
        strUnblance strUnmatch tDci temperature temperature2 temperature3
        temperature4 temperature5 timeTotal vacr vacRs vacs vacSt vact vacTr
        vPidPvape vPidPvbpe vPidPvcpe vPidPvdpe vPidPvepe vPidPvfpe vPidPvgpe
        vPidPvhpe vpv1 vpv2 vpv3 vpv4 vpv5 vpv6 vpv7 vpv8 vString1 vString2
        vString3 vString4 vString5 vString6 vString7 vString8 vString9 vString10
        vString11 vString12 vString13 vString14 vString15 vString16
    """,
    "word": """
        debug1 debug2 statusText time timeTotalText
    """,
    "empty": """
        epv9Today epv9Total epv10Today epv10Total inverterId ipv9 ipv10 ppv9
        ppv10 vpv9 vpv10
    """,
    "truth": """
        again bigDevice
    """,
}

INVERTER_INFO = {
    "whole": """
        address groupID id level model nominalPower plantId status userID
    """,
    "decimal": """
        energyDay energyMonth eToday eTotal ipmTemperature power temperature
    """,
    "word": """
        alias dataLogSn energyMonthText fwVersion imgPath innerVersion
        inverterInfoStatusCss lastUpdateTimeText loadText modelText parentID
        serialNum statusText tcpServerIp treeID treeName
    """,
    "empty": """
        communicationVersion createDate deviceType invSetBean location
        optimezerList plantname powerMax powerMaxText powerMaxTime record
        rfStick timezone userName
    """,
    "truth": """
        bigDevice lost updateExist updating
    """,
}

STORAGE = {
    "whole": """
        address bmsError bmsError2 bmsStatus bmsStatus2 bmsWarnInfo
        chargeToStandbyReason chargeWay cycleCount cycleCount2 deviceType
        dischargeToStandbyReason errorCode faultCode gaugeBattteryStatus
        gaugeOperationStatus gaugePackStatus normalPower remoteCntlFailReason
        status warnCode warnInfo warnInfo2
    """,
    "decimal": """
        bLightEn batTemp bmsCellVoltage1 bmsCellVoltage2 bmsCellVoltage3
        bmsCellVoltage4 bmsCellVoltage5 bmsCellVoltage6 bmsCellVoltage7
        bmsCellVoltage8 bmsCellVoltage9 bmsCellVoltage10 bmsCellVoltage11
        bmsCellVoltage12 bmsCellVoltage13 bmsCellVoltage14 bmsCellVoltage15
        bmsCellVoltage16 bmsConstantVolt bmsCurrent bmsCurrent2 bmsDeltaVolt
        bmsSoh bmsTemperature bmsTemperature2 capacity cellVoltage1 cellVoltage2
        cellVoltage3 cellVoltage4 cellVoltage5 cellVoltage6 cellVoltage7
        cellVoltage8 cellVoltage9 cellVoltage10 cellVoltage11 cellVoltage12
        cellVoltage13 cellVoltage14 cellVoltage15 cellVoltage16 cell2Voltage1
        cell2Voltage2 cell2Voltage3 cell2Voltage4 cell2Voltage5 cell2Voltage6
        cell2Voltage7 cell2Voltage8 cell2Voltage9 cell2Voltage10 cell2Voltage11
        cell2Voltage12 cell2Voltage13 cell2Voltage14 cell2Voltage15
        cell2Voltage16 chargeMonth constantVolt constantVolt2 deltaVolt
        deltaVolt2 disChargeMonth eBatDisChargeToday eBatDisChargeTotal
        eChargeToday eChargeToday2 eChargeTotal eChargeTotal2 eDischargeToday
        eDischargeToday2 eDischargeTotal eDischargeTotal2 eToGridToday
        eToGridTotal eToUserToday eToUserTotal etoday etotal eacChargeToday
        eacChargeTotal eacDisChargeToday eacDisChargeTotal eopDischrToday
        eopDischrTotal epvToday epvToday2 epvTotal epvTotal2 freqGrid freqOutPut
        gaugeICCurrent gaugeRM1 gaugeRM2 gauge2RM1 gauge2RM2 iAcCharge iCharge
        iChargePV1 iChargePV2 iDischarge iacToGrid iacToUser ipmTemperature ipv
        loadPercent manualStartEn maxChargeOrDischargeCurrent
        maxChargeOrDischargeCurrent2 outPutCurrent outPutPower outPutVolt
        pAcCharge pAcInPut pBat pCharge pCharge2 pDischarge pDischarge2
        pacToGrid pacToUser powSavingEn ppv ppv2 rateVA rateWatt remoteCntlEn
        sciLossChkEn soh soh2 sysOut temperature uwBatType2 vBat vBuck vBuck2
        vBus vGrid vac vpv vpv2
    """,
    "word": """
        capacityText chargeToStandbyReasonText dischargeToStandbyReasonText
        eChargeTodayText eChargeTotalText eDischargeTodayText
        eDischargeTotalText errorText iChargeText iDischargeText iacToGridText
        iacToUserText innerCWCode ipvText pChargeText pDischargeText
        pacToGridText ppvText serialNum statusText time vBatText vBuckText
        vacText vpvText warnText
    """,
    "empty": """
        alias chgCurr dataLogSn day dayMap dischgCurr pacToUserText storageBean
    """,
    "truth": """
        again lost withTime
    """,
}

STORAGE_INFO = {
    "whole": """
        addr bLightEn batteryType buzzerEN chargeConfig deviceType groupId level
        model outputFreqType outputVoltType plantId powSavingEn pvModel
        sciLossChkEn status uwBatType2
    """,
    "decimal": """
        acInModel batLowToUtiVolt bulkChargeVolt floatChargeVolt manualStartEn
        maxChargeCurr outputConfig overLoadRestart overTempRestart pCharge
        pDischarge rateVA rateWatt utiChargeEnd utiChargeStart utiOutEnd
        utiOutStart
    """,
    "word": """
        alias dataLogSn fwVersion imgPath innerVersion lastUpdateTimeText
        modelText parentID serialNum statusText tcpServerIp treeID treeName
    """,
    "empty": """
        communicationVersion location plantname portName record sysTime userName
    """,
    "truth": """
        lost statusLed1 statusLed2 statusLed3 statusLed4 statusLed5 statusLed6
        updating
    """,
}

MAX = {
    "whole": """
        address deratingMode faultCode1 faultCode2 faultType faultValue id
        pidFaultCode status strUnblance strUnmatch warnBit warnCode
        warningValue1 warningValue2 warningValue3 wPIDFaultValue
        wStringStatusValue
    """,
    "decimal": """
        apfStatus compharir compharis compharit compqr compqs compqt ctharir
        ctharis ctharit ctir ctis ctit ctqr ctqs ctqt currentString1
        currentString2 currentString3 currentString4 currentString5
        currentString6 currentString7 currentString8 currentString9
        currentString10 currentString11 currentString12 currentString13
        currentString14 currentString15 currentString16 eacToday eacTotal
        epv1Today epv1Total epv2Today epv2Total epv3Today epv3Total epv4Today
        epv4Total epv5Today epv5Total epv6Today epv6Total epv7Today epv7Total
        epv8Today epv8Total epvTotal eRacToday eRacTotal fac gfci iacr iacs iact
        iPidPvape iPidPvbpe iPidPvcpe iPidPvdpe iPidPvepe iPidPvfpe iPidPvgpe
        iPidPvhpe ipmTemperature ipv1 ipv2 ipv3 ipv4 ipv5 ipv6 ipv7 ipv8
        nBusVoltage opFullwatt pac pacr pacs pact pBusVoltage pf pidBus
        powerToday powerTotal ppv ppv1 ppv2 ppv3 ppv4 pvIso rac rDci
        realOPPercent sDci temperature temperature2 temperature3 temperature4
        temperature5 timeTotal vacr vacRs vacs vacSt vact vacTr vPidPvape
        vPidPvbpe vPidPvcpe vPidPvdpe vPidPvepe vPidPvfpe vPidPvgpe vPidPvhpe
        vpv1 vpv2 vpv3 vpv4 vpv5 vpv6 vpv7 vpv8
    """,
    "word": """
        debug1 debug2 pidStatusText statusText time
    """,
    "empty": """
        afciPv1 afciPv2 afciStatus alias apfStatusText currentString17
        currentString18 currentString19 currentString20 currentString21
        currentString22 currentString23 currentString24 currentString25
        currentString26 currentString27 currentString28 currentString29
        currentString30 currentString31 currentString32 dataLogSn day debug3
        dwStringWarningValue1 epv9Today epv9Total epv10Today epv10Total
        epv11Today epv11Total epv12Today epv12Total epv13Today epv13Total
        epv14Today epv14Total epv15Today epv15Total epv16Today epv16Total
        iPidPvpe9 iPidPvpe10 iPidPvpe11 iPidPvpe12 iPidPvpe13 iPidPvpe14
        iPidPvpe15 iPidPvpe16 ipv9 ipv10 ipv11 ipv12 ipv13 ipv14 ipv15 ipv16
        maxBean pidStatus ppv5 ppv6 ppv7 ppv8 ppv9 ppv10 ppv11 ppv12 ppv13 ppv14
        ppv15 ppv16 reactPower reactPowerMax reactPowerTotal serialNum strBreak
        strFault tDci timeCalendar vPidPvpe9 vPidPvpe10 vPidPvpe11 vPidPvpe12
        vPidPvpe13 vPidPvpe14 vPidPvpe15 vPidPvpe16 vpv9 vpv10 vpv11 vpv12 vpv13
        vpv14 vpv15 vpv16 vString1 vString2 vString3 vString4 vString5 vString6
        vString7 vString8 vString9 vString10 vString11 vString12 vString13
        vString14 vString15 vString16 vString17 vString18 vString19 vString20
        vString21 vString22 vString23 vString24 vString25 vString26 vString27
        vString28 vString29 vString30 vString31 vString32
    """,
    "truth": """
        again lost withTime
    """,
}

MAX_INFO = {
    "whole": """
        addr groupId id level model plantId status
    """,
    "decimal": """
        eToday eTotal energyMonth power
    """,
    "word": """
        alias communicationVersion dataLogSn fwVersion imgPath innerVersion
        lastUpdateTimeText modelText parentID portName serialNum statusText
        tcpServerIp treeID treeName
    """,
    "empty": """
        activeRate backflowDefaultPower deviceType dtc energyDay energyDayMap
        energyMonthText exportLimit exportLimitPowerRate facHigh facLow
        frequencyHighLimit frequencyLowLimit isAuthorize isTimingAuthorize
        lcdLanguage location maxSetBean normalPower onOff pf pflinep1Pf
        pflinep1Lp pflinep2Lp pflinep2Pf pflinep3Lp pflinep3Pf pflinep4Lp
        pflinep4Pf pfModel plantname powerMax powerMaxText powerMaxTime
        pvPfCmdMemoryState reactiveRate record remainDay strNum sysTime timezone
        userName vacHigh vacLow voltageHighLimit voltageLowLimit
    """,
    "truth": """
        bigDevice lost updating
    """,
}

MIN = {
    "whole": """
        address batteryNo bdc1FaultType bdc1Mode bdc1Status bdc1WarnCode
        bdc2FaultType bdc2Mode bdc2Status bdc2WarnCode bdcBusRef bdcDerateReason
        bdcFaultSubCode bdcStatus bdcWarnSubCode bgridType bmsCommunicationType
        bmsError2 bmsError3 bmsError4 bmsFaultType bmsIosStatus bmsStatus
        bmsWarn2 bsystemWorkMode deratingMode dryContactStatus faultType
        operatingMode status sysFaultWord sysFaultWord1 sysFaultWord2
        sysFaultWord3 sysFaultWord4 sysFaultWord5 sysFaultWord6 sysFaultWord7
        uwSysWorkMode warnCode
    """,
    "decimal": """
        bdc1ChargePower bdc1ChargeTotal bdc1DischargePower bdc1DischargeTotal
        bdc1Ibat bdc1Ibb bdc1Illc bdc1Soc bdc1Temp1 bdc1Temp2 bdc1Vbat bdc1Vbus1
        bdc1Vbus2 bdc2ChargePower bdc2ChargeTotal bdc2DischargePower
        bdc2DischargeTotal bdc2Ibat bdc2Ibb bdc2Illc bdc2Soc bdc2Temp1 bdc2Temp2
        bdc2Vbat bdc2Vbus1 bdc2Vbus2 bdcVbus2Neg bmsCvVolt bmsIbat bmsIcycle
        bmsInfo bmsMaxCurr bmsPackInfo bmsSoc bmsSoh bmsTemp1Bat bmsUsingCap
        bmsVbat bmsVdelta bmsWarnCode dcVoltage dciR dciS dciT eacChargeToday
        eacChargeTotal eacToday eacTotal echargeToday echargeTotal
        edischargeToday edischargeTotal eex1Today eex1Total eex2Today eex2Total
        elocalLoadToday elocalLoadTotal epsFac epsIac1 epsIac2 epsIac3 epsPac
        epsPac1 epsPac2 epsPac3 epsPf epsVac1 epsVac2 epsVac3 epv1Today
        epv1Total epv2Today epv2Total epv3Today epv3Total epv4Today epv4Total
        epvTotal eselfToday eselfTotal esystemToday esystemTotal etoGridToday
        etoGridTotal etoUserToday etoUserTotal fac gfci iac1 iac2 iac3 iacr
        invDelayTime ipv1 ipv2 ipv3 ipv4 iso loadPercent nBusVoltage opFullwatt
        pBusVoltage pac pac1 pac2 pac3 pacr pacToGridTotal pacToLocalLoad
        pacToUserTotal pex1 pex2 pf ppv ppv1 ppv2 ppv3 ppv4 pself psystem
        realOPPercent temp1 temp2 temp3 temp4 temp5 timeTotal vac1 vac2 vac3
        vacr vacrs vacRs vacSt vacTr vpv1 vpv2 vpv3 vpv4
    """,
    "word": """
        bmsFwVersion bmsMcuVersion debug1 debug2 errorText statusText time
        warnText
    """,
    "empty": """
        alias bMerterConnectFlag batSn batterySN dataLogSn day epsPacSplitPhase1
        epsPacSplitPhase2 epsVacSplitPhase1 epsVacSplitPhase2 faultType1
        iacSplitPhase1 iacSplitPhase2 mtncMode mtncRqst newWarnCode
        newWarnSubCode serialNum soc1 soc2 tMtncStrt tlxBean totalWorkingTime
        tWinEnd tWinStart warnCode1 winMode winOffGridSOC winOnGridSOC
        winRequest
    """,
    "truth": """
        again isAgain lost withTime
    """,
}

MIN_SETTINGS = {
    "whole": """
        acChargeEnable activePowerEnable afciEnabled afciReset afciSelfCheck
        afciThresholdD afciThresholdH afciThresholdL bdcMode bgridType delayTime
        epsFunEn epsVoltSet exportLimit fftThresholdCount forcedStopSwitch1
        forcedStopSwitch2 forcedStopSwitch3 forcedStopSwitch4 forcedStopSwitch5
        forcedStopSwitch6 forcedStopSwitch7 forcedStopSwitch8 forcedStopSwitch9
        lcdLanguage onOff pvPfCmdMemoryState time1Mode time2Mode time3Mode
        time4Mode time5Mode time6Mode time7Mode time8Mode time9Mode vbatWarning
    """,
    "decimal": """
        activeRate backflowDefaultPower bsystemWorkMode chargePowerCommand
        disChargePowerCommand dryContactOffRate dryContactOnRate dryContactPower
        epsFreqSet exportLimitPowerRate floatChargeCurrentLimit
        frequencyHighLimit frequencyLowLimit limitDevice loadingRate
        overFreDropPoint overFreLoRedDelayTime overFreLoRedSlope pf pfModel
        pflinep1_lp pflinep1_pf pflinep2_lp pflinep2_pf pflinep3_lp pflinep3_pf
        pflinep4_lp pflinep4_pf qPercentMax qvH1 qvH2 qvL1 qvL2 reactiveRate
        restartLoadingRate uwHFRT2EE uwHFRTEE uwHVRT2EE uwHVRTEE uwLFRT2EE
        uwLFRTEE uwLVRT2EE uwLVRTEE vbatStartForDischarge vbatStartforCharge
        vbatStopForCharge vbatStopForDischarge vbatWarnClr voltageHighLimit
        voltageLowLimit wdisChargeSOCLowLimit
    """,
    "word": """
        forcedTimeStart1 forcedTimeStart2 forcedTimeStart3 forcedTimeStart4
        forcedTimeStart5 forcedTimeStart6 forcedTimeStart7 forcedTimeStart8
        forcedTimeStart9 forcedTimeStop1 forcedTimeStop2 forcedTimeStop3
        forcedTimeStop4 forcedTimeStop5 forcedTimeStop6 forcedTimeStop7
        forcedTimeStop8 forcedTimeStop9 lastUpdateTimeText season1MonthTime
        season1Time1 season1Time2 season1Time3 season1Time4 season1Time5
        season1Time6 season1Time7 season1Time8 season1Time9 season2MonthTime
        season2Time1 season2Time2 season2Time3 season2Time4 season2Time5
        season2Time6 season2Time7 season2Time8 season2Time9 season3MonthTime
        season3Time1 season3Time2 season3Time3 season3Time4 season3Time5
        season3Time6 season3Time7 season3Time8 season3Time9 season4MonthTime
        season4Time1 season4Time2 season4Time3 season4Time4 season4Time5
        season4Time6 season4Time7 season4Time8 season4Time9 serialNum
        special1MonthTime special1Time1 special1Time2 special1Time3
        special1Time4 special1Time5 special1Time6 special1Time7 special1Time8
        special1Time9 special2MonthTime special2Time1 special2Time2
        special2Time3 special2Time4 special2Time5 special2Time6 special2Time7
        special2Time8 special2Time9 sysTime sysTimeText yearTime1 yearTime2
        yearTime3 yearTime4 yearTime5 yearTime6 yearTime7 yearTime8 yearTime9
    """,
    "empty": """
        ac_charge backFlowSingleCtrl charge_power charge_stop_soc compatibleFlag
        demandManageEnable discharge_power discharge_stop_soc enableNLine
        exportLimitPowerRateStr failSafeCurr genChargeEnable genCtrl
        genRatedPower maintainModeRequest maintainModeStartTime maxAllowCurr
        onGridDischargeStopSOC onGridMode onGridStatus peakShavingEnable
        pf_sys_year powerDownEnable prePto protEnable puEnable
        pvGridFrequencyHigh pvGridFrequencyLow pv_grid_voltage_high
        pv_grid_voltage_low region rrcrEnable safetyCorrespondNum safetyNum
        showPeakShaving synEnable tlx_ac_discharge_frequency
        tlx_ac_discharge_voltage tlx_backflow_default_power tlxCcCurrent
        tlxCvVoltage tlxDryContactEnable tlxDryContactOffPower
        tlxDryContactPower tlx_exter_comm_Off_GridEn tlx_lcd_Language
        tlxLimitDevice tlx_off_grid_enable tlx_on_off tlxPf tlx_pflinep1_lp
        tlx_pflinep1_pf tlx_pflinep2_lp tlx_pflinep2_pf tlx_pflinep3_lp
        tlx_pflinep3_pf tlx_pflinep4_lp tlx_pflinep4_pf ubAcChargingStopSOC
        ubPeakShavingBackupSOC usBatteryType uwAcChargingMaxPowerLimit
        uwDemandMgtDownStrmPowerLimit uwDemandMgtRevsePowerLimit
        wchargeSOCLowLimit winModeEndTime winModeFlag
        winModeOffGridDischargeStopSOC winModeOnGridDischargeStopSOC
        winModeStartTime yearMonthTime
    """,
    "truth": """
        dryContactFuncEn exterCommOffGridEn
    """,
}

MIN_INFO = {
    "whole": """
        address batAgingTestStep batParallelNum batSeriesNum batTempLowerLimitC
        batTempLowerLimitD batTempUpperLimitC batTempUpperLimitD batteryType
        bctAdjust bdcAuthVersion bdcMode bmsCommunicationType comAddress
        countrySelected deviceType dtc groupId id level liBatteryFwVersion
        liBatteryManufacturers modbusVersion model plantId pmax priorityChoose
        restartTime startTime status strNum timezone trackerModel
        vbatStartForDischarge vbatStopForCharge vbatStopForDischarge vbatWarnClr
        vbatWarning
    """,
    "decimal": """
        baudrate bctMode eToday eTotal energyMonth energyMonthText mppt pCharge
        pDischarge power vnormal
    """,
    "word": """
        alias bdc1Model bdc1Sn bdc1Version bmsSoftwareVersion
        communicationVersion dataloggerSn fwVersion imgPath innerVersion
        lastUpdateTimeText manufacturer modelText parentId portName serialNum
        statusText tcpServerIp treeId treeName
    """,
    "empty": """
        batSysEnergy bcuVersion hwVersion location monitorVersion plantname
        powerMax powerMaxText powerMaxTime record safetyVersion sysTime userName
        vppOpen
    """,
    "truth": """
        lost updating
    """,
}

SPH = {
    "whole": """
        address batteryType bmsCycleCnt bmsError bmsErrorOld bmsFW bmsMCUVersion
        bmsSOC bmsSOH bmsStatus bmsStatusOld bmsWarnInfo bmsWarnInfoOld
        errorCode faultBitCode faultCode status sysEn sysFaultWord sysFaultWord1
        sysFaultWord2 sysFaultWord3 sysFaultWord4 sysFaultWord5 sysFaultWord6
        sysFaultWord7 uwSysWorkMode warnCode
    """,
    "decimal": """
        acChargeEnergyToday acChargeEnergyTotal acChargePower batteryTemperature
        bmsBatteryCurr bmsBatteryTemp bmsBatteryVolt bmsCell1Volt bmsCell2Volt
        bmsCell3Volt bmsCell4Volt bmsCell5Volt bmsCell6Volt bmsCell7Volt
        bmsCell8Volt bmsCell9Volt bmsCell10Volt bmsCell11Volt bmsCell12Volt
        bmsCell13Volt bmsCell14Volt bmsCell15Volt bmsCell16Volt bmsConstantVolt
        bmsDeltaVolt bmsGaugeFCC bmsGaugeRM bmsInfo bmsMaxCurr bmsPackInfo
        bmsUsingCap eacToday eacTotal epsVac2 epsVac3 epv1Today epv1Total
        epv2Today epv2Total epvTotal etoUserToday etoUserTotal etoGridToday
        etogridTotal fac pac pac1 pac2 pac3 pacToGridR pacToGridTotal pacToUserR
        pacToUserTotal pcharge1 pdischarge1 plocalLoadR plocalLoadTotal ppv ppv1
        ppv2 priorityChoose soc temp1 temp2 temp3 timeTotal upsFac
        upsLoadpercent upsPF upsPac1 upsPac2 upsPac3 upsVac1 vBatDsp vBus1 vBus2
        vac1 vac2 vac3 vbat vpv1 vpv2
    """,
    "word": """
        errorText ppvText socText statusText time warnText
    """,
    "empty": """
        alias bmsMaxDischgCurr dataLogSn day dayMap echarge1Today echarge1Total
        edischargeToday edischargeTotal elocalLoadToday elocalLoadTotal mixBean
        serialNum
    """,
    "truth": """
        again lost withTime
    """,
}

SPH_INFO = {
    "whole": """
        acChargeEnable addr bagingTestStep batFirstSwitch1 batFirstSwitch2
        batFirstSwitch3 batParallelNum batSeriesNum batteryType bctAdjust
        bctMode buckUpsFunEn chargePowerCommand comAddress countrySelected
        deviceType disChargePowerCommand dtc epsFreqSet epsFunEn epsVoltSet
        exportLimit failsafe forcedChargeStopSwitch1 forcedChargeStopSwitch2
        forcedChargeStopSwitch3 forcedDischargeStopSwitch1
        forcedDischargeStopSwitch2 forcedDischargeStopSwitch3 gridFirstSwitch1
        gridFirstSwitch2 gridFirstSwitch3 groupId id lcdLanguage level
        modbusVersion model onOff plantId pmax priorityChoose pvPfCmdMemoryState
        pvPfCmdMemoryStateMix status underExcited uspFreqSet wselectBaudrate
    """,
    "decimal": """
        activeRate batTempLowerLimitC batTempLowerLimitD batTempUpperLimitC
        batTempUpperLimitD buckUPSVoltSet ccCurrent cvVoltage energyDay
        energyMonth exportLimitPowerRate floatChargeCurrentLimit lvVoltage
        pCharge pDischarge powerFactor reactiveRate vbatStartForDischarge
        vbatStartforCharge vbatStopForCharge vbatStopForDischarge vbatWarnClr
        vbatWarning vnormal voltageHighLimit voltageLowLimit
    """,
    "word": """
        alias dataLogSn energyMonthText forcedChargeTimeStart1
        forcedChargeTimeStart2 forcedChargeTimeStart3 forcedChargeTimeStop1
        forcedChargeTimeStop2 forcedChargeTimeStop3 forcedDischargeTimeStart1
        forcedDischargeTimeStart2 forcedDischargeTimeStart3
        forcedDischargeTimeStop1 forcedDischargeTimeStop2
        forcedDischargeTimeStop3 fwVersion imgPath innerVersion
        lastUpdateTimeText manufacturer modelText parentID portName serialNum
        statusText sysTime tcpServerIp treeID treeName
    """,
    "empty": """
        backflow_setting chargeTime1 chargeTime2 chargeTime3
        communicationVersion dischargeTime1 dischargeTime2 dischargeTime3
        location mix_ac_discharge_frequency mix_ac_discharge_voltage
        mix_off_grid_enable pf_sys_year plantname powerMax powerMaxText
        powerMaxTime pv_active_p_rate pv_grid_voltage_high pv_grid_voltage_low
        pv_on_off pv_power_factor pv_reactive_p_rate pv_reactive_p_rate_two
        record userName wchargeSOCLowLimit1 wchargeSOCLowLimit2
        wdisChargeSOCLowLimit1 wdisChargeSOCLowLimit2
    """,
    "truth": """
        lost updating
    """,
}

SPA = {
    "whole": """
        address batteryType bmsCycleCnt bmsError bmsErrorOld bmsFW bmsMCUVersion
        bmsSOC bmsSOH bmsStatus bmsStatusOld bmsWarnInfo bmsWarnInfoOld
        errorCode faultBitCode faultCode status sysEn sysFaultWord sysFaultWord1
        sysFaultWord2 sysFaultWord3 sysFaultWord4 sysFaultWord5 sysFaultWord6
        sysFaultWord7 uwSysWorkMode warnCode
    """,
    "decimal": """
        acChargeEnergyToday acChargeEnergyTotal acChargePower batteryTemperature
        bmsBatteryCurr bmsBatteryTemp bmsBatteryVolt bmsCell1Volt bmsCell2Volt
        bmsCell3Volt bmsCell4Volt bmsCell5Volt bmsCell6Volt bmsCell7Volt
        bmsCell8Volt bmsCell9Volt bmsCell10Volt bmsCell11Volt bmsCell12Volt
        bmsCell13Volt bmsCell14Volt bmsCell15Volt bmsCell16Volt bmsConstantVolt
        bmsDeltaVolt bmsGaugeFCC bmsGaugeRM bmsInfo bmsMaxCurr bmsPackInfo
        bmsUsingCap eacToday eacTotal epvInverterToday epvInverterTotal
        etoUserToday etoUserTotal etoGridToday etogridTotal fac pac pac1
        pacToGridR pacToGridTotal pacToUserR pacToUserTotal pcharge1 pdischarge1
        plocalLoadR plocalLoadTotal ppvInverter priorityChoose soc temp1 temp2
        timeTotal upsFac upsLoadpercent upsPF upsPac1 upsVac1 vBatDsp vBus1
        vBus2 vac1 vbat
    """,
    "word": """
        errorText socText statusText time warnText
    """,
    "empty": """
        alias bmsMaxDischgCurr dataLogSn day dayMap echarge1Today echarge1Total
        edischargeToday edischargeTotal elocalLoadToday elocalLoadTotal
        serialNum spaBean
    """,
    "truth": """
        again lost withTime
    """,
}

SPA_INFO = {
    "whole": """
        activePRate addr bagingTestStep batFirstSwitch1 batFirstSwitch2
        batFirstSwitch3 batteryType bctAdjust bctMode buckUpsFunEn
        chargePowerCommand comAddress countrySelected disChargePowerCommand dtc
        epsFreqSet epsFunEn epsVoltSet gridFirstSwitch1 gridFirstSwitch2
        gridFirstSwitch3 groupId id lcdLanguage level loadFirstSwitch1
        loadFirstSwitch2 loadFirstSwitch3 modbusVersion model onOff plantId pmax
        priorityChoose reactivePRate status wselectBaudrate
    """,
    "decimal": """
        batTempLowerLimitC batTempLowerLimitD batTempUpperLimitC
        batTempUpperLimitD buckUPSVoltSet energyDay energyMonth
        floatChargeCurrentLimit pCharge pDischarge powerFactor vacHigh vacLow
        vbatStartForDischarge vbatStartforCharge vbatStopForCharge
        vbatStopForDischarge vbatWarnClr vbatWarning
    """,
    "word": """
        alias dataLogSn energyMonthText forcedChargeTimeStart1
        forcedChargeTimeStart2 forcedChargeTimeStart3 forcedChargeTimeStop1
        forcedChargeTimeStop2 forcedChargeTimeStop3 forcedDischargeTimeStart1
        forcedDischargeTimeStart2 forcedDischargeTimeStart3
        forcedDischargeTimeStop1 forcedDischargeTimeStop2
        forcedDischargeTimeStop3 fwVersion imgPath innerVersion
        lastUpdateTimeText loadFirstStartTime1 loadFirstStartTime2
        loadFirstStartTime3 loadFirstStopTime1 loadFirstStopTime2
        loadFirstStopTime3 manufacturer modelText parentID portName serialNum
        statusText sysTime tcpServerIp treeID treeName
    """,
    "empty": """
        backflow_setting chargeTime1 chargeTime2 chargeTime3
        communicationVersion dischargeTime1 dischargeTime2 dischargeTime3
        equipmentType location pfCmdMemoryState pf_sys_year plantname powerMax
        powerMaxText powerMaxTime pv_active_p_rate pv_grid_voltage_high
        pv_grid_voltage_low pv_on_off pvPfCmdMemoryState pv_power_factor
        pv_reactive_p_rate pv_reactive_p_rate_two record
        spa_ac_discharge_frequency spa_ac_discharge_voltage spa_off_grid_enable
        uspFreqSet userName wchargeSOCLowLimit1 wchargeSOCLowLimit2
        wdisChargeSOCLowLimit1 wdisChargeSOCLowLimit2
    """,
    "truth": """
        lost updating
    """,
}

METER = {
    "whole": """
        addr
    """,
    "decimal": """
        aActivePower aCurrent aPowerFactor aReactivePower aVoltage activeEnergy
        activePower activePowerL1 activePowerL2 activePowerL3 activePowerMaxNeed
        activePowerMaxNeedOne activePowerNeed activePowerNeedOne apparentEnergy
        apparentEnergyMaxNeed apparentEnergyNeed apparentPower apparentPowerL1
        apparentPowerL2 apparentPowerL3 bActivePower bPowerFactor bReactivePower
        cActivePower cPowerFactor cReactivePower current currentHarmonicAvg
        currentIa currentIb currentIc currentL1 currentL1MaxNeed currentL1Need
        currentL2 currentL2MaxNeed currentL2Need currentL3 currentL3MaxNeed
        currentL3Need currentMaxNeed currentNeed feiLvBoZEnergy feiLvFengZEnergy
        feiLvGuZEnergy feiLvPingZEnergy forwardActiveMaxNeed forwardActiveNeed
        frequency gridEnergy gridFrequency instantaneousTotalApparentPower
        instantlyTotalActivePower instantlyTotalReactivePower l1CurrentHarmonic
        l1Voltage2 l1VoltageHarmonic l1VoltageHarmonic2 l2CurrentHarmonic
        l2Voltage3 l2VoltageHarmonic l2VoltageHarmonic3 l3CurrentHarmonic
        l3Voltage1 l3VoltageHarmonic l3VoltageHarmonic1 lineVoltageHarmonicAvg
        posiActivePower posiReactivePower positiveActiveTotalEnergy powerFactor
        powerFactorL1 powerFactorL2 powerFactorL3 reactiveEnergy reactivePower
        reactivePowerL1 reactivePowerL2 reactivePowerL3 reverActivePower
        reverReactivePower reverseActiveMaxNeed reverseActiveNeed
        reverseActiveTotalEnergy totalActiveEnergyL1 totalActiveEnergyL2
        totalActiveEnergyL3 totalEnergy totalReactiveEnergyL1
        totalReactiveEnergyL2 totalReactiveEnergyL3 userEnergy voltage
        voltageHarmonicAvg voltageL1 voltageL2 voltageL3 voltageUa voltageUab
        voltageUb voltageUbc voltageUc voltageUca zeroLineMaxNeed zeroLineNeed
    """,
    "word": """
        dataLogSn timeText
    """,
    "empty": """
        activeNetTotalEnergy again alarmCode alias comAddress
        combinedReactivePower1 combinedReactivePower2 commStatus
        currentActiveDemand currentReactiveDemand deviceSn exPowerFactor
        genericMeter historyNumber lost meterDh meterMs meterYm modeStatus
        monthEnergy netTotalEnergy posiActiveNetTotalEnergy
        posiReactiveNetTotalEnergy positiveActiveTodayEnergy
        reactiveNetTotalEnergy reverActiveNetTotalEnergy reverApparentEnergy
        reverReactiveNetTotalEnergy reverseActiveEnergy reverseActiveTodayEnergy
        reverseInstantlyTotalActivePower runStatus softCode softVersion
        statusLastUpdateTime thdi1 thdi2 thdi3 thdv1 thdv2 thdv3 todayEnergy
        withTime
    """,
}

ENVIRONMENT = {
    "whole": """
        addr
    """,
    "decimal": """
        envTemp panelTemp radiant windAngle windSpeed
    """,
    "word": """
        dataLogSn timeText
    """,
    "empty": """
        airPressure alarmCode commStatus dailyAvgSoilLvlPct deviceStatus
        efficiency envHumidity etodayRadiation etotalRadiation gasConcentration
        internalPressure internalRelativeHumidity internalTempC internalTempF
        lastFourMeasurementsAvg rainfallIntensity runStatus sensorSingnalGen
        snowDepth statusLastUpdateTime totalRainfall
    """,
}
